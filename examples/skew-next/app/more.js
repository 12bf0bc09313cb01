export const more = `more of ${process.env.VERSION}`
