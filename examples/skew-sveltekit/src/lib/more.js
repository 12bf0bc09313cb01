export const more = `more of ${__VERSION__}`
