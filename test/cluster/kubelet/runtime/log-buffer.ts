const KEPT = 512 * 1024

/** What a container printed, of all its runs, the oldest forgotten. */
export class LogBuffer {
  #text = ''

  add(more: string): void {
    this.#text = (this.#text + more).slice(-KEPT)
  }

  get text(): string {
    return this.#text
  }
}
