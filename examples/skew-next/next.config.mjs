export default {
  output: 'standalone',
  outputFileTracingRoot: import.meta.dirname,
  // Next.js then sends the version with everything that a page asks for: ?dpl=v1, x-deployment-id: v1.
  deploymentId: process.env.VERSION,
  env: { VERSION: process.env.VERSION },
}
