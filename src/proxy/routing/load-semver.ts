import { createRequire } from 'node:module'

interface Semver {
  readonly SemVer: typeof import('semver').SemVer
  readonly Range: typeof import('semver').Range
  readonly compareBuild: typeof import('semver').compareBuild
}

let loaded: Semver | null = null

/** semver, from the first time on that it is needed: most proxy processes never see a range. */
export function loadSemver(): Semver {
  if (loaded === null) {
    const require = createRequire(import.meta.url)
    loaded = {
      SemVer: require('semver/classes/semver'),
      Range: require('semver/classes/range'),
      compareBuild: require('semver/functions/compare-build'),
    }
  }
  return loaded
}
