import { defineConfig } from 'vitest/config'

export default defineConfig({
  // Vite leaves `.cts` alone unless it is told; the agent and the channel's end in a worker are CommonJS.
  oxc: { include: /\.(?:[mc]?ts|[jt]sx)$/ },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/build.ts'],
    // Processes are started, stopped and counted here: a test file has its own process, and few of them run at once.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // A test that passes at the second try has failed.
    retry: 0,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.{ts,cts}'],
      reporter: ['text-summary', 'html'],
    },
  },
})
