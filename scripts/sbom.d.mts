/** A package that is installed with ours. */
export interface RuntimePackage {
  readonly name: string
  readonly version: string
  readonly license: string | null
}

export function runtimePackages(): RuntimePackage[]

export interface Component {
  readonly name: string
  readonly version: string
  readonly purl: string
  readonly hashes?: ReadonlyArray<{ readonly alg: string; readonly content: string }>
}

export function sbom(): { readonly components: readonly Component[] }
