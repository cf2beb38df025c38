import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type EndpointSlice, hostsFile } from '../spec/hosts-file.ts'

export interface PodNames {
  readonly namespace: string
  readonly hostname: string
  readonly address: string
}

/** The files in a pod's /etc that its node writes. */
export class PodEtc {
  readonly folder: string
  readonly #names: PodNames

  constructor(folder: string, names: PodNames) {
    this.folder = folder
    this.#names = names
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'hostname'), `${names.hostname}\n`)
    // Names come from /etc/hosts only; nobody answers at this address.
    const search = `search ${names.namespace}.svc.cluster.local svc.cluster.local cluster.local`
    writeFileSync(join(folder, 'resolv.conf'), `${search}\nnameserver 127.0.0.1\noptions ndots:5 timeout:1\n`)
  }

  /** In one step: a name that is looked up meanwhile is found. */
  writeHosts(slices: readonly EndpointSlice[]): void {
    const draft = join(this.folder, 'hosts.new')
    writeFileSync(draft, hostsFile(this.#names, slices))
    renameSync(draft, join(this.folder, 'hosts'))
  }
}
