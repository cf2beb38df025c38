/** There is nothing that a caBundle could be written into. */
export class ConfigurationMissingError extends Error {
  override readonly name = 'ConfigurationMissingError'
  constructor(
    readonly kind: string,
    readonly object: string,
  ) {
    super(`there is no ${kind} ${object}: apply deploy/base/webhook, or nothing is asked of this webhook`)
  }
}

/** The files of `--certificates` cannot be served with. */
export class CertificateFilesError extends Error {
  override readonly name = 'CertificateFilesError'
  constructor(
    readonly directory: string,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(
      `--certificates ${directory}: ${reason}; it must hold tls.crt and tls.key, as a mounted TLS Secret does`,
      options,
    )
  }
}
