const MASK = '***'

/** Fields that hold a patient's data in the platform's structured logs, whatever their case and separators. */
const PATIENT_FIELDS =
  'patient_?name|first_?name|last_?name|full_?name|given(_?name)?|family(_?name)?|mrn|medical_?record(_?number)?|ssn|social_?security(_?number)?|dob|birth_?date|date_?of_?birth|phone(_?number)?|mobile|email|street|address(_?line\\d?)?|postal_?code|insurance(_?id)?|member_?id|diagnosis|medication'
/** What gives access, which no log should hold either. */
const SECRET_FIELDS =
  'password|passwd|pwd|secret|client_?secret|api_?key|access_?key|access_?token|refresh_?token|id_?token'
const FIELDS = `${PATIENT_FIELDS}|${SECRET_FIELDS}`
const STRING = '"(?:[^"\\\\]|\\\\.)*"'
/** FHIR's names and addresses are lists of texts. */
const JSON_FIELD = new RegExp(`("(?:${FIELDS})"\\s*:\\s*)(${STRING}|-?[\\d.]+|\\[[^\\]]*\\])`, 'gi')
const JSON_LINES = /("line"\s*:\s*)\[[^\]]*\]/g
/** JSON within a text of JSON: its quotes are escaped. */
const ESCAPED_FIELD = new RegExp(`(\\\\+"(?:${FIELDS})\\\\+"\\s*:\\s*)(\\\\+"[^"]*"|-?[\\d.]+)`, 'gi')
const TEXT_FIELD = new RegExp(
  `(?<![a-z])((?:${FIELDS})\\s*[=:]\\s*)(?!\\*)("[^"]*"|'[^']*'|[^\\s,;&"'}]+)`,
  'gi',
)
/** What is known by its form, with what stays of it. */
const FORMS: [RegExp, string][] = [
  // HL7 v2: patient, next of kin, guarantor, insurance.
  [/\b(PID|PD1|NK1|GT1|IN[123])\|[^\r\n"]*/g, `$1|${MASK}`],
  [/\b(Patient\/)[\w.-]+/g, `$1${MASK}`],
  [/\b(patient:? +)[A-Z][\w'’-]+(?: +[A-Z][\w'’-]*)+/g, `$1${MASK}`],
  [/\b(born|birthday)(\W{1,3})\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}/gi, `$1$2${MASK}`],
  // Social security numbers, e-mail addresses, phone numbers of North America, record numbers.
  [/\b\d{3}-\d{2}-\d{4}\b/g, MASK],
  [/\b(ssn\W{1,3})\d{9}\b/gi, `$1${MASK}`],
  // User and password of an address come before the e-mail address that they look like.
  [/(\b[a-z][a-z\d+.-]*:\/\/[^\s:@/]*:)[^\s@/]+@/gi, `$1${MASK}@`],
  [/(?<![:*])\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b/g, MASK],
  [/(?<![\w.])(?:\+1[ .-]?)?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}\b/g, MASK],
  [/\bMRN[ #:]*\d{5,}\b/gi, MASK],
  [/\b(Bearer|Basic) +[\w.~+/=-]{8,}/g, `$1 ${MASK}`],
  [/\b(?:AKIA|ASIA)[A-Z\d]{16}\b/g, MASK],
]

/**
 * A line without what is likely data of a patient, or a secret. It finds much, and cannot find all: logs are no place for
 * either.
 */
export function maskPatientData(text: string): string {
  let masked = text
    .replace(JSON_LINES, (_, name: string) => `${name}"${MASK}"`)
    .replace(JSON_FIELD, (_, name: string) => `${name}"${MASK}"`)
    .replace(ESCAPED_FIELD, (_, name: string) => `${name}\\"${MASK}\\"`)
    .replace(TEXT_FIELD, (_, name: string) => `${name}${MASK}`)
  for (const [form, rest] of FORMS) masked = masked.replace(form, rest)
  return masked
}
