export default defineEventHandler(() => ({ version: process.env.CSERVICE_VERSION }))
