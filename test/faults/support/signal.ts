/** Something that happens once, and that others wait for. */
export interface Signal {
  readonly fired: Promise<void>
  fire(): void
}

export function createSignal(): Signal {
  let fire = () => {}
  const fired = new Promise<void>((resolve) => {
    fire = resolve
  })
  return { fired, fire: () => fire() }
}
