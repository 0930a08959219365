/** Teaches @dsnp/parquetjs the ZSTD codec (parquet.thrift, CompressionCodec 6) by its table of codecs. */
import { createRequire } from 'node:module'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'

interface Codec {
  deflate(value: Buffer): Buffer
  inflate(value: Buffer): Buffer
}

const compression = createRequire(import.meta.url)('@dsnp/parquetjs/dist/lib/compression.js') as {
  PARQUET_COMPRESSION_METHODS: Record<string, Codec>
}

/** Registers the codec; reading and writing ZSTD files needs it once a process. */
export function registerZstd(): void {
  compression.PARQUET_COMPRESSION_METHODS['ZSTD'] ??= {
    deflate: (value) => zstdCompressSync(value),
    inflate: (value) => zstdDecompressSync(value),
  }
}
