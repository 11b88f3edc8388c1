import { defineConfig } from 'vitest/config'

const project = (name: string, include: string[], testTimeout: number, extra: object = {}) => ({
  test: { name, include, testTimeout, hookTimeout: testTimeout, ...extra },
})

export default defineConfig({
  test: {
    projects: [
      project('unit', ['test/unit/**/*.test.ts', 'test/architecture.test.ts'], 10_000),
      project('conformance', ['test/conformance/**/*.test.ts'], 60_000),
      project('integration', ['test/integration/**/*.test.ts', 'test/wire/**/*.test.ts'], 60_000),
      project('processes', ['test/e2e/**/*.test.ts', 'test/fault/**/*.test.ts'], 300_000, {
        fileParallelism: false,
      }),
    ],
  },
})
