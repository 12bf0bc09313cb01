import { EventEmitter } from 'node:events'
import type { Catalog } from './versions/catalog.ts'

/** The catalog in force: another one takes its place when the configuration names another folder. Owns it. */
export class CurrentCatalog extends EventEmitter<{ change: [] }> {
  #catalog: Catalog

  constructor(catalog: Catalog) {
    super()
    this.#catalog = catalog
    this.#follow()
  }

  get inForce(): Catalog {
    return this.#catalog
  }

  /** @param catalog open; the former one is closed */
  async replace(catalog: Catalog): Promise<void> {
    const former = this.#catalog
    this.#catalog = catalog
    this.#follow()
    await former.close()
    this.emit('change')
  }

  close(): Promise<void> {
    return this.#catalog.close()
  }

  #follow(): void {
    const catalog = this.#catalog
    catalog.on('change', () => {
      if (catalog === this.#catalog) this.emit('change')
    })
  }
}
