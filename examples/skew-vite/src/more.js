export const more = `more of ${import.meta.env.VITE_VERSION}`
