const MASK = '***'

/** Fields that hold a patient's data in the platform's structured logs, whatever their case and separators. */
const FIELDS =
  'patient_?name|first_?name|last_?name|full_?name|given_?name|family_?name|mrn|medical_?record(_?number)?|ssn|social_?security(_?number)?|dob|birth_?date|date_?of_?birth|phone(_?number)?|mobile|email|street|address(_?line\\d?)?|insurance(_?id)?|member_?id|diagnosis|medication'
const JSON_FIELD = new RegExp(`("(?:${FIELDS})"\\s*:\\s*)("(?:[^"\\\\]|\\\\.)*"|-?[\\d.]+)`, 'gi')
const TEXT_FIELD = new RegExp(`\\b((?:${FIELDS})\\s*[=:]\\s*)("[^"]*"|'[^']*'|[^\\s,;"'}]+)`, 'gi')
/** Data that is known by its form: social security numbers, e-mail addresses, phone numbers of North America. */
const FORMS = [
  /\b\d{3}-\d{2}-\d{4}\b/g,
  /\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b/g,
  /(?<![\w.])(?:\+1[ .-]?)?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}\b/g,
  /\bMRN[ #:]*\d{5,}\b/gi,
]

/** A line without what is likely data of a patient. It finds much, and cannot find all: logs are no place for it. */
export function maskPatientData(text: string): string {
  let masked = text
    .replace(JSON_FIELD, (_, name: string) => `${name}"${MASK}"`)
    .replace(TEXT_FIELD, (_, name: string) => `${name}${MASK}`)
  for (const form of FORMS) masked = masked.replace(form, MASK)
  return masked
}
