import { sveltekit } from '@sveltejs/kit/vite'

export default { plugins: [sveltekit()], define: { __VERSION__: JSON.stringify(process.env.VERSION) } }
