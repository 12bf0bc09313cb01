const headers = { 'x-deployment-id': import.meta.env.VITE_VERSION }

document.querySelector('h1').textContent = `Page of ${import.meta.env.VITE_VERSION}`
document.querySelector('button').addEventListener('click', async () => {
  // A chunk with a hash in its name, loaded when it is needed: the next version has it no more.
  const { more } = await import('./more.js')
  const { version } = await (await fetch('/api/version', { headers })).json()
  document.querySelector('output').textContent = `${more}, api of ${version}`
})
