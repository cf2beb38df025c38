import { chmodSync, chownSync, existsSync, mkdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import type { Bind } from '../runtime/container-script.ts'
import type { VolumeMount } from '../spec/container-schema.ts'
import { ContainerConfigError } from '../spec/identity.ts'
import type { Volume } from '../spec/volume-schema.ts'
import { AtomicFolder } from './atomic-folder.ts'
import type { PayloadReader } from './payload.ts'

/** The volumes of one pod, as folders of this machine. */
export class PodVolumes {
  readonly #folder: string
  readonly #volumes: readonly Volume[]
  readonly #reader: PayloadReader
  readonly #group: number | undefined
  readonly #files = new Map<string, AtomicFolder>()

  /** @param group fsGroup */
  constructor(folder: string, volumes: readonly Volume[], reader: PayloadReader, group: number | undefined) {
    this.#folder = folder
    this.#volumes = volumes
    this.#reader = reader
    this.#group = group
  }

  /** Makes and fills them; again to bring them up to date. @throws VolumeNotReadyError */
  async prepare(): Promise<void> {
    for (const volume of this.#volumes) {
      const path = this.#path(volume.name)
      if (volume.emptyDir !== undefined) {
        if (!existsSync(path)) this.#makeEmpty(path)
        continue
      }
      const payload = await this.#reader.read(volume)
      if (payload === undefined) throw new ContainerConfigError(`volume ${volume.name} has no source`)
      const files = this.#files.get(volume.name) ?? new AtomicFolder(path, this.#group)
      this.#files.set(volume.name, files)
      files.write(payload)
    }
  }

  /** @throws ContainerConfigError when a path below the volume is not there */
  bind(mount: VolumeMount): Bind {
    const volume = this.#volumes.find((one) => one.name === mount.name)
    if (volume === undefined) throw new ContainerConfigError(`there is no volume ${mount.name}`)
    const to = mount.mountPath
    if (volume.emptyDir === undefined) return { from: this.#below(mount), to, readOnly: true }
    if (mount.subPath) mkdirSync(join(this.#path(mount.name), mount.subPath), { recursive: true })
    return { from: this.#below(mount), to, readOnly: mount.readOnly ?? false }
  }

  #below({ name, subPath = '' }: VolumeMount): string {
    const path = join(this.#path(name), subPath)
    if (!existsSync(path)) throw new ContainerConfigError(`volume ${name} has no ${subPath}`)
    return subPath === '' ? path : realpathSync(path)
  }

  #makeEmpty(path: string): void {
    mkdirSync(path, { recursive: true })
    if (this.#group !== undefined) chownSync(path, 0, this.#group)
    chmodSync(path, this.#group === undefined ? 0o777 : 0o2777)
  }

  #path(name: string): string {
    return join(this.#folder, name)
  }
}
