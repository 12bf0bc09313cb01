import { json } from '@sveltejs/kit'

export const GET = () => json({ version: process.env.CSERVICE_VERSION })
