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
  ])('%s', (line, masked) => {
    expect(maskPatientData(line)).toBe(masked)
  })
  test.each([
    '{"time":"2026-03-14T03:15:00.123Z","level":"info","msg":"request","path":"/health/ready","durationMs":12}',
    'connect ECONNREFUSED 10.0.40.15:5432',
    'Error: boom\\n    at main (/app/dist/main.js:17:3)',
    '{"requestId":"5f0c2a9d11e0b7aa","status":200}',
  ])('nothing else: %s', (line) => {
    expect(maskPatientData(line)).toBe(line)
  })
})
