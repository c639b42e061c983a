const MASK = '***'

/** Fields that hold a patient's data in the platform's structured logs, whatever their case and separators. */
const PATIENT_FIELDS =
  'patient_?name|first_?name|last_?name|full_?name|given(?:_?name)?|family(?:_?name)?|mrn|medical_?record(?:_?number)?|ssn|social_?security(?:_?number)?|dob|birth_?date|date_?of_?birth|phone(?:_?number)?|mobile|email|street|address(?:_?line\\d?)?|postal_?code|insurance(?:_?id)?|member_?id|diagnosis|medication'
/** What gives access, which no log should hold either. */
const SECRET_FIELDS =
  'password|passwd|pwd|secret|client_?secret|api_?key|access_?key|access_?token|refresh_?token|id_?token'
const FIELDS = `${PATIENT_FIELDS}|${SECRET_FIELDS}`

// Every expression below takes time in proportion to the length of the line, whatever is in it: an opening that has no end
// matches up to the end of the line (which also masks what was cut), a run of characters is taken as a whole before it
// is known to be of interest, and repetitions that follow each other share no character.

/** Its value follows: a text, whose end is looked for without an expression, a number, or a list as FHIR's names are. */
const JSON_FIELD = new RegExp(`"(?:${FIELDS})"\\s*:\\s*(?=["\\d.[-])`, 'gi')
const JSON_NUMBER = /-?[\d.]*/y
const JSON_LINES = /("line"\s*:\s*)\[[^\]]*(?:\]|$)/g
/** JSON within a text of JSON: its quotes are escaped. */
const ESCAPED_FIELD = new RegExp(`(\\\\"(?:${FIELDS})\\\\+"\\s*:\\s*)(?:\\\\+"[^"]*(?:"|$)|-?[\\d.]+)`, 'gi')
const TEXT_FIELD = new RegExp(
  `(?<![a-z])((?:${FIELDS})\\s*[=:]\\s*)(?!\\*)(?:"[^"]*(?:"|$)|'[^']*(?:'|$)|[^\\s,;&"'}]+)`,
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
  [/(:\/\/[^\s:@/]*:)[^\s@/]+@/g, `$1${MASK}@`],
  [/(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g, MASK],
  [/(?<![\w.])(?:\+1[ .-]?)?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}\b/g, MASK],
  [/\bMRN[ #:]*\d{5,}\b/gi, MASK],
  [/\b(Bearer|Basic) +[\w.~+/=-]{8,}/g, `$1 ${MASK}`],
  [/\b(?:AKIA|ASIA)[A-Z\d]{16}\b/g, MASK],
]

/**
 * A line without what is likely data of a patient, or a secret. It finds much, and cannot find all: logs are no place for
 * either. A field whose value has no end is masked up to the end of the line.
 */
export function maskPatientData(text: string): string {
  let masked = maskJsonFields(text.replace(JSON_LINES, `$1"${MASK}"`))
    .replace(ESCAPED_FIELD, `$1\\"${MASK}\\"`)
    .replace(TEXT_FIELD, `$1${MASK}`)
  for (const [form, rest] of FORMS) masked = masked.replace(form, rest)
  return masked
}

/** What a cut may separate from what makes it known: the name before an @ from the domain behind it. */
export const MASK_MARGIN = 256

/** The first characters of a line, masked; what is cut off is never masked, however long it is. */
export function maskedStart(text: string, most: number): string {
  if (text.length <= most) return maskPatientData(text)
  const start = text.slice(0, most + MASK_MARGIN)
  const masked = maskPatientData(start)
  return `${masked.slice(0, Math.min(most, masked.length - (start.length - most)))}…`
}

function maskJsonFields(text: string): string {
  let masked = ''
  let done = 0
  JSON_FIELD.lastIndex = 0
  while (JSON_FIELD.test(text)) {
    masked += `${text.slice(done, JSON_FIELD.lastIndex)}"${MASK}"`
    done = endOfJson(text, JSON_FIELD.lastIndex)
    JSON_FIELD.lastIndex = done
  }
  return masked + text.slice(done)
}

/** Where the text, number or list that begins at `start` ends. */
function endOfJson(text: string, start: number): number {
  if (text[start] === '[') return behind(text, text.indexOf(']', start))
  if (text[start] !== '"') {
    JSON_NUMBER.lastIndex = start
    JSON_NUMBER.test(text)
    return JSON_NUMBER.lastIndex
  }
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let escapes = 0
    while (text[end - 1 - escapes] === '\\') escapes += 1
    if (escapes % 2 === 0) return end + 1
  }
  return text.length
}

/** Behind what was found there, or the end of the text. */
function behind(text: string, index: number): number {
  return index < 0 ? text.length : index + 1
}
