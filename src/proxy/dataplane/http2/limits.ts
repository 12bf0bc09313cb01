/**
 * What one connection of a client may do. A browser stays far below all of these; what goes beyond costs us more than it costs
 * the client, and ends the connection with ENHANCE_YOUR_CALM (RFC 9113 10.5).
 */
export const limits = {
  /** Streams at once; more are refused (RFC 9113 5.1.2). */
  concurrentStreams: 128,
  /** Bytes of a body that may be on their way to us on one stream: more than that is read only as a worker takes it. */
  streamWindow: 256 * 1024,
  /** The same for a connection. */
  connectionWindow: 2 * 1024 * 1024,
  /** Streams that the client resets before their answer is whole (CVE-2023-44487): at once, and a second. */
  resets: { burst: 200, perSecond: 20 },
  /** PING and SETTINGS frames; we have to answer each. */
  control: { burst: 100, perSecond: 10 },
  /** Bytes that are neither header sections nor bodies: WINDOW_UPDATE, PRIORITY, empty or unknown frames. */
  overhead: { burst: 256 * 1024, perSecond: 32 * 1024 },
  /** Lines of a header section; its bytes are the binding's `maxHeaderSize`. */
  headerListPairs: 200,
  /** Memory of a connection, in MB, beyond which it gets no new streams. */
  sessionMemory: 16,
  /** Frames that make no sense on their stream, and streams beyond the limit. */
  invalidFrames: 100,
  rejectedStreams: 100,
} as const
