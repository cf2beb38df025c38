import type { Duration, Instant } from '../../../../src/api/values/time.ts'
import { between, seconds } from '../../../../src/api/values/time.ts'
import type { Clock } from '../../../../src/runtime/clock.ts'
import type { Pod } from '../spec/pod-schema.ts'
import type { DownwardItems, Items, Projection, Volume } from '../spec/volume-schema.ts'
import type { Payload, PayloadFile } from './atomic-folder.ts'
import type { KubeletApi } from './kubelet-api.ts'

/** A volume cannot be filled yet (kubelet's FailedMount): it is tried again. */
export class VolumeNotReadyError extends Error {
  override readonly name = 'VolumeNotReadyError'
}

export interface PayloadSource {
  readonly api: Pick<KubeletApi, 'readData' | 'requestToken'>
  readonly pod: Pod
  readonly clock: Clock
  field(path: string): string
}

/** What is in the files of a pod's volumes now. */
export class PayloadReader {
  readonly #source: PayloadSource
  readonly #tokens = new Map<string, { token: string; at: Instant; life: Duration }>()

  constructor(source: PayloadSource) {
    this.#source = source
  }

  /** @returns undefined for a volume that is no set of files @throws VolumeNotReadyError */
  async read(volume: Volume): Promise<Payload | undefined> {
    const { configMap, secret, downwardAPI, projected } = volume
    if (configMap !== undefined)
      return new Map(await this.#data('configMap', configMap, configMap.defaultMode))
    if (secret !== undefined) {
      return new Map(await this.#data('secret', { ...secret, name: secret.secretName }, secret.defaultMode))
    }
    if (downwardAPI !== undefined) return new Map(this.#downward(downwardAPI.items, downwardAPI.defaultMode))
    if (projected === undefined) return undefined
    const files = new Map<string, PayloadFile>()
    for (const source of projected.sources) {
      for (const [path, file] of await this.#projection(source, projected.defaultMode)) files.set(path, file)
    }
    return files
  }

  async #projection(source: Projection, mode: number): Promise<Files> {
    const { serviceAccountToken, configMap, secret, downwardAPI } = source
    return [
      ...(configMap === undefined ? [] : await this.#data('configMap', configMap, mode)),
      ...(secret === undefined ? [] : await this.#data('secret', secret, mode)),
      ...(downwardAPI === undefined ? [] : this.#downward(downwardAPI.items, mode)),
      ...(serviceAccountToken === undefined ? [] : await this.#token(serviceAccountToken)),
    ]
  }

  async #data(
    kind: 'secret' | 'configMap',
    reference: { name: string; optional: boolean; items?: Items | undefined },
    mode: number,
  ): Promise<Files> {
    const { namespace } = this.#source.pod.metadata
    const values = await this.#source.api.readData(kind, { namespace, name: reference.name })
    if (values === undefined) {
      if (reference.optional) return []
      throw new VolumeNotReadyError(`${kind.toLowerCase()} "${reference.name}" not found`)
    }
    const items = reference.items ?? [...values.keys()].map((key) => ({ key, path: key, mode }))
    return items.flatMap((item): Files => {
      const content = values.get(item.key)
      if (content !== undefined) return [[item.path, { content, mode: item.mode ?? mode }]]
      if (reference.optional) return []
      throw new VolumeNotReadyError(`${kind.toLowerCase()} "${reference.name}" has no key ${item.key}`)
    })
  }

  #downward(items: DownwardItems, mode: number): Files {
    return items.map((item) => [
      item.path,
      { content: Buffer.from(this.#source.field(item.fieldRef.fieldPath)), mode: item.mode ?? mode },
    ])
  }

  /** A new one when four fifths of its life are over, as kubelet does. */
  async #token(request: {
    path: string
    audience?: string | undefined
    expirationSeconds: number
  }): Promise<Files> {
    const { api, pod, clock } = this.#source
    const { path, audience, expirationSeconds } = request
    let known = this.#tokens.get(path)
    if (known === undefined || between(known.at, clock.now()) > known.life * 0.8) {
      const serviceAccount = pod.spec.serviceAccountName
      const token = await api.requestToken(pod, { serviceAccount, audience, expirationSeconds })
      known = { token, at: clock.now(), life: seconds(expirationSeconds) }
      this.#tokens.set(path, known)
    }
    // Containers that run as another user must read it: kubelet chowns it to that user.
    return [[path, { content: Buffer.from(known.token), mode: 0o644 }]]
  }
}

type Files = [string, PayloadFile][]
