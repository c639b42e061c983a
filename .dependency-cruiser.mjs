/**
 * The directions of dependency, as docs/architecture.md explains them: commands -> cli -> workflows -> domain; cli wires
 * the adapters; workflows know adapters by their types alone.
 */
const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to })

const room = (name) => `^src/lib/${name}/`

export default {
  forbidden: [
    rule(
      'no-circular',
      'A circle has no direction.',
      {},
      { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    ),
    rule(
      'commands-call-cli',
      'A command parses, calls one function of cli, and shows its result.',
      { path: '^src/commands/' },
      {
        pathNot: ['^src/commands/', room('cli'), '^node_modules/@oclif/'],
        dependencyTypesNot: ['core'],
      },
    ),
    rule(
      'domain-is-pure',
      'The domain imports nothing outside itself.',
      { path: room('domain') },
      { pathNot: room('domain') },
    ),
    rule(
      'workflows-know-adapters-by-type',
      'Adapters come in as arguments, so that tests can give others.',
      { path: room('workflows') },
      {
        path: [
          room('adapters'),
          room('process'),
          room('config'),
          room('output'),
          room('cli'),
          room('sandbox'),
        ],
        dependencyTypesNot: ['type-only'],
      },
    ),
    rule(
      'adapters-know-no-one-above',
      'An adapter is one external system.',
      { path: room('adapters') },
      {
        path: [
          room('workflows'),
          room('cli'),
          room('output'),
          room('config'),
          room('sandbox'),
          '^src/commands/',
        ],
      },
    ),
    rule(
      'sandbox-is-an-api-client',
      'The sandbox talks to itself as any client does.',
      { path: room('sandbox') },
      {
        path: [room('workflows'), room('cli'), room('output'), room('config'), '^src/commands/'],
      },
    ),
    rule(
      'output-shows-values',
      'Views take results of workflows as types.',
      { path: room('output') },
      {
        path: [room('adapters'), room('cli'), room('process'), room('config'), '^src/commands/'],
      },
    ),
    rule(
      'one-execa',
      'The runner enforces dry run, redaction and cancellation.',
      { path: '^src/', pathNot: '^src/lib/process/' },
      {
        path: '^node_modules/execa/',
      },
    ),
    rule(
      'one-js-yaml',
      'One schema for all that is only data.',
      { path: '^src/', pathNot: '^src/lib/yaml.ts' },
      { path: '^node_modules/js-yaml/' },
    ),
    rule(
      'one-chalk',
      'Colours are the theme’s business.',
      { path: '^src/', pathNot: '^src/lib/output/' },
      { path: '^node_modules/chalk/' },
    ),
    rule(
      'one-oclif',
      'Only cli and commands know the framework.',
      { path: '^src/lib/', pathNot: room('cli') },
      { path: '^node_modules/@oclif/' },
    ),
    rule(
      'nothing-imports-tests',
      'Product code does not need test code.',
      { path: '^src/' },
      { path: '^(test|scripts)/' },
    ),
    rule(
      'only-declared',
      'Every package is in package.json.',
      { path: '^src/' },
      { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'], dependencyTypesNot: ['type-only'] },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
    reporterOptions: { dot: { collapsePattern: '^src/(commands|lib/[^/]+)|^node_modules/(@[^/]+/)?[^/]+' } },
  },
}
