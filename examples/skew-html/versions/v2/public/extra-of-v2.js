export const more = 'more of v2'
