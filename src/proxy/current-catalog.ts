import { EventEmitter } from 'node:events'
import type { Catalog, CatalogChange } from './versions/catalog.ts'

/** The catalog in force: another one takes its place when the configuration names another folder. Owns it. */
export class CurrentCatalog extends EventEmitter<{ change: [CatalogChange] }> {
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
    this.emit('change', { added: catalog.names, removed: [] })
  }

  close(): Promise<void> {
    return this.#catalog.close()
  }

  #follow(): void {
    const catalog = this.#catalog
    catalog.on('change', (change) => {
      if (catalog === this.#catalog) this.emit('change', change)
    })
  }
}
