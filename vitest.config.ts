import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Two at least: tests that wait for processes leave a core free. */
const maxWorkers = Math.max(2, availableParallelism() - 1)

const project = (name: string, include: string[], testTimeout: number) => ({
  test: {
    name,
    include,
    testTimeout,
    hookTimeout: testTimeout,
    setupFiles: ['test/support/equal-bytes.ts'],
  },
})

export default defineConfig({
  test: {
    maxWorkers,
    projects: [
      project('unit', ['test/unit/**/*.test.ts', 'test/architecture.test.ts'], 30_000),
      project('conformance', ['test/conformance/**/*.test.ts'], 60_000),
      project('integration', ['test/integration/**/*.test.ts', 'test/wire/**/*.test.ts'], 60_000),
      project('processes', ['test/e2e/**/*.test.ts', 'test/fault/**/*.test.ts'], 300_000),
    ],
  },
})
