import { CORE_SCHEMA, loadAll, YAMLException } from 'js-yaml'

export { YAMLException }

/**
 * The documents of a text of which only the data counts, none for an empty one; docs/decisions/066 says when to take `yaml`.
 * @throws {YAMLException}
 */
export function yamlDocuments(text: string): unknown[] {
  return loadAll(text, { schema: CORE_SCHEMA })
}
