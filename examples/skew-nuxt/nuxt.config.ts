export default defineNuxtConfig({
  compatibilityDate: '2025-07-15',
  telemetry: false,
  runtimeConfig: { public: { version: process.env.VERSION } },
  app: { buildAssetsDir: '/_nuxt/' },
  buildId: process.env.VERSION,
})
