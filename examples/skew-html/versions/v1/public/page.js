document.querySelector('button').addEventListener('click', async () => {
  // Loaded when it is needed, perhaps long after the page: v2 has no file of that name.
  const { more } = await import('./more-of-v1.js')
  const { version } = await (await fetch('api/version')).json()
  document.querySelector('output').textContent = `${more}, api of ${version}`
})
