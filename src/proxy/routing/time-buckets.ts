/** Buckets in which times are counted: each is 2^(1/8), about 9 %, wider than the one before. */
const bucketsPerDoubling = 8
/** Bucket 0 holds all below this, in milliseconds. */
const shortest = 0.05
/** The last one holds all above, which is about an hour. */
const lastBucket = 208

/** The bucket of a time in milliseconds: 0 to 208. Pure. */
export function bucketOf(time: number): number {
  if (time <= shortest) return 0
  return Math.min(lastBucket, 1 + Math.floor(Math.log2(time / shortest) * bucketsPerDoubling))
}

/** The shortest time in a bucket, in milliseconds. Pure. */
export function lowerEdge(bucket: number): number {
  return bucket === 0 ? 0 : shortest * 2 ** ((bucket - 1) / bucketsPerDoubling)
}

/** The longest, and the shortest of the next. */
export function upperEdge(bucket: number): number {
  return bucket >= lastBucket ? Number.POSITIVE_INFINITY : lowerEdge(bucket + 1)
}
