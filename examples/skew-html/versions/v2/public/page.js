document.querySelector('button').addEventListener('click', async () => {
  // Loaded when it is needed, perhaps long after the page.
  const { more } = await import('./extra-of-v2.js')
  const { version } = await (await fetch('api/version')).json()
  document.querySelector('output').textContent = `${more}, api of ${version}`
})
