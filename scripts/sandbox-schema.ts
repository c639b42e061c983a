/**
 * Writes src/lib/sandbox/schema/kubernetes.generated.json: the OpenAPI v3 schemas of the kinds that the sandbox serves, made from the
 * type declarations of kubernetes-types and, for what those do not tell, from src/lib/sandbox/schema/list-semantics.ts.
 *
 * Run it with `node scripts/sandbox-schema.ts` after either of them changed. Nothing imports it.
 */
import { writeFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { builtInTypes } from '../src/lib/sandbox/api/resources.ts'
import { listSemantics } from '../src/lib/sandbox/schema/list-semantics.ts'
import type { Schema } from '../src/lib/sandbox/schema/schema.ts'

const root = dirname(fileURLToPath(import.meta.resolve('kubernetes-types/package.json')))
const GROUP_FOLDERS: Record<string, string> = { '': 'core' }

/** Aliases of kubernetes-types that are more than their TypeScript type says. */
const SCALARS: Record<string, Schema> = {
  Quantity: { 'x-kubernetes-int-or-string': true, format: 'quantity' },
  IntOrString: { 'x-kubernetes-int-or-string': true, format: 'int-or-string' },
  Time: { type: 'string', format: 'date-time' },
  MicroTime: { type: 'string', format: 'date-time' },
}

/** Free-form JSON on the wire; and JSONSchemaProps, whose `x-kubernetes-` fields the declarations leave out. */
const OPEN = new Set(['RawExtension', 'FieldsV1', 'JSON', 'Patch', 'JSONSchemaProps'])

const kinds = builtInTypes.map(({ group, version, kind }) => {
  const folder = GROUP_FOLDERS[group] ?? group.split('.')[0] ?? group
  return { file: join(root, folder, `${version}.d.ts`), kind }
})
const program = ts.createProgram([...new Set(kinds.map(({ file }) => file))], { noLib: true })
const checker = program.getTypeChecker()
const components: Record<string, Schema> = {}

for (const { file, kind } of kinds) {
  const source = program.getSourceFile(file)
  const symbol = source && checker.getSymbolAtLocation(source)
  const declared = symbol && checker.getExportsOfModule(symbol).find(({ name }) => name === kind)
  if (declared) refer(declared)
  else console.error(`${kind}: not in ${file}, so it is served without a schema`)
}
const sorted = Object.fromEntries(Object.entries(components).sort(([a], [b]) => (a < b ? -1 : 1)))
const output = join(import.meta.dirname, '../src/lib/sandbox/schema/kubernetes.generated.json')
writeFileSync(output, `${JSON.stringify(sorted, undefined, 1)}\n`)

/** The schema of a declared type, described on its first use. */
function refer(symbol: ts.Symbol): Schema {
  const declaration = symbol.declarations?.[0]
  if (!declaration) throw new Error(`${symbol.name} has no declaration`)
  const scalar = SCALARS[symbol.name]
  if (scalar) return scalar
  if (OPEN.has(symbol.name)) return { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
  if (ts.isTypeAliasDeclaration(declaration)) return describe(declaration.type, symbol.name)
  const file = relative(root, declaration.getSourceFile().fileName).replace('.d.ts', '')
  const name = `${file.split(sep).join('.')}.${symbol.name}`
  if (!components[name]) {
    components[name] = {}
    components[name] = describeInterface(name, declaration as ts.InterfaceDeclaration)
  }
  return { $ref: `#/components/schemas/${name}` }
}

function describeInterface(name: string, declaration: ts.InterfaceDeclaration): Schema {
  const properties: Record<string, Schema> = {}
  const required: string[] = []
  for (const member of declaration.members) {
    if (!ts.isPropertySignature(member) || !member.type) continue
    const field = (member.name as ts.Identifier | ts.StringLiteral).text
    properties[field] = { ...describe(member.type, field), ...listSemantics.fields[`${name}.${field}`] }
    if (!member.questionToken) required.push(field)
  }
  return {
    type: 'object',
    properties,
    ...(required.length > 0 ? { required } : {}),
    ...(listSemantics.atomicTypes.includes(name) ? { 'x-kubernetes-map-type': 'atomic' } : {}),
  }
}

function describe(node: ts.TypeNode, where: string): Schema {
  if (ts.isArrayTypeNode(node)) return { type: 'array', items: describe(node.elementType, where) }
  if (ts.isTypeReferenceNode(node)) return describeReference(node, where)
  if (ts.isTypeLiteralNode(node)) {
    const index = node.members.find(ts.isIndexSignatureDeclaration)
    if (!index) return { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
    return { type: 'object', additionalProperties: describe(index.type, where) }
  }
  if (ts.isUnionTypeNode(node)) return { 'x-kubernetes-int-or-string': true, format: 'int-or-string' }
  if (ts.isLiteralTypeNode(node)) return { type: 'string' }
  const keyword = ts.tokenToString(node.kind)
  if (keyword === 'string' || keyword === 'number' || keyword === 'boolean') return { type: keyword }
  return { 'x-kubernetes-preserve-unknown-fields': true }
}

function describeReference(node: ts.TypeReferenceNode, where: string): Schema {
  const name = node.typeName.getText()
  const [argument] = node.typeArguments ?? []
  if (name === 'Array' && argument) return { type: 'array', items: describe(argument, where) }
  const symbol = checker.getSymbolAtLocation(node.typeName)
  if (!symbol) throw new Error(`${where}: unknown type ${name}`)
  return refer(symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol)
}
