const get = { uploadBytes: 0, isClosing: false }

/** What is asked for, and by how many at once. `unit` is what the shape is about: `rate` (requests) or `p50`. */
export const shapes = {
  '1 KiB, 50 connections': { ...get, path: '/1024', connections: 50 },
  '1 KiB, 1 connection': { ...get, path: '/1024', connections: 1 },
  '1 KiB, 500 connections': { ...get, path: '/1024', connections: 500 },
  '64 B, 50 connections': { ...get, path: '/64', connections: 50 },
  '100 KiB, 50 connections': { ...get, path: '/102400', connections: 50 },
  'upload of 1 MiB, 20 connections': { ...get, path: '/upload', connections: 20, uploadBytes: 1_048_576 },
  'a new connection for each request, 50 at once': { ...get, path: '/1024', connections: 50, isClosing: true },
}
