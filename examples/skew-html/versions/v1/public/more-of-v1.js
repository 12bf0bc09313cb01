export const more = 'more of v1'
