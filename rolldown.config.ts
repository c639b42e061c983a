import { defineConfig } from 'rolldown'

/**
 * One bundle, split where the code imports lazily: a command that needs no AWS client does not read one. CommonJS
 * starts faster than ES modules, and unminified code keeps readable stacks at no measurable cost.
 */
export default defineConfig({
  input: { main: 'src/main.ts' },
  platform: 'node',
  // Without 'module': where a package has that for its CommonJS users too, rolldown makes modules that are set up late, and may
  // hand on what is in them before they are.
  resolve: { conditionNames: ['node', 'default'] },
  // oclif asks for these only in the source tree of a plugin.
  external: [/^@aws-cdk\//, 'typescript', 'ts-node'],
  output: {
    dir: 'dist',
    format: 'cjs',
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name]-[hash].cjs',
    minify: false,
    cleanDir: true,
  },
})
