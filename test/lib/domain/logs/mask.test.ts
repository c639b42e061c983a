import { describe, expect, test } from 'vitest'
import { maskPatientData } from '../../../../src/lib/domain/logs/mask.ts'

describe('likely data of patients', () => {
  test.each([
    ['{"patientName":"Ana Maria","level":"info"}', '{"patientName":"***","level":"info"}'],
    ['{"mrn": 123456, "id": 7}', '{"mrn": "***", "id": 7}'],
    ['{"email":"say \\"hi\\"","x":1}', '{"email":"***","x":1}'],
    ['saved patient_name="Ana" dob=1980-01-02', 'saved patient_name=*** dob=***'],
    ['ssn 123-45-6789 seen', 'ssn *** seen'],
    ['mail ana@example.org bounced', 'mail *** bounced'],
    ['call (555) 010-1234 back', 'call *** back'],
    ['chart MRN 0048812 opened', 'chart *** opened'],
    ['patient Maria Muster (MRN 0048812) born 05/04/1961 admitted', 'patient *** (***) born *** admitted'],
    ['got PID|1||12345678^^^HOSP^MR||MUSTER^MARIA^A||19610405|F', 'got PID|***'],
    [
      '{"name":[{"family":"Muster","given":["Maria","A"]}],"address":[{"line":["12 Main St"]}]}',
      '{"name":[{"family":"***","given":"***"}],"address":"***"}',
    ],
    [
      'GET /fhir/Patient/8812345?family=Muster&given=Maria 200',
      'GET /fhir/Patient/***?family=***&given=*** 200',
    ],
    [
      '{"msg":"{\\"patientName\\":\\"Maria Muster\\",\\"id\\":7}"}',
      '{"msg":"{\\"patientName\\":\\"***\\",\\"id\\":7}"}',
    ],
    ['ssn 123456789 seen', 'ssn *** seen'],
    ['connect postgres://emr:s3cr3tpw@db:5432/emr', 'connect postgres://emr:***@db:5432/emr'],
    ['Authorization: Bearer eyJhbGciOi.eyJzdWIi', 'Authorization: Bearer ***'],
    ['key AKIAIOSFODNN7EXAMPLE', 'key ***'],
    ['DB_PASSWORD=hunter2 {"apiKey":"k-123456abc"}', 'DB_PASSWORD=*** {"apiKey":"***"}'],
  ])('%s', (line, masked) => {
    expect(maskPatientData(line)).toBe(masked)
  })
  test.each([
    '{"time":"2026-03-14T03:15:00.123Z","level":"info","msg":"request","path":"/health/ready","durationMs":12}',
    'connect ECONNREFUSED 10.0.40.15:5432',
    'Error: boom\\n    at main (/app/dist/main.js:17:3)',
    '{"requestId":"5f0c2a9d11e0b7aa","status":200}',
    '{"line":17,"patient":{"count":3},"msg":"patient sync done"}',
    'GET https://api.example.com:8443/Patients?status=open',
    'secretName db-credentials not found; token expired',
  ])('nothing else: %s', (line) => {
    expect(maskPatientData(line)).toBe(line)
  })
})
