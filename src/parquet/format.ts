/** Numbers of the Parquet format (parquet.thrift), those that are written here. */
export const physicalTypes = { BOOLEAN: 0, INT: 1, BIGINT: 2, VARCHAR: 6 } as const
export const repetitionTypes = { required: 0, optional: 1 } as const
export const convertedTypes = { utf8: 0 } as const
export const codecs = { zstd: 6 } as const
export const encodings = { PLAIN: 0, RLE: 3, RLE_DICTIONARY: 8 } as const
export const pageTypes = { data: 0, dictionary: 2 } as const

/** First and last bytes of a file. */
export const magic = 'PAR1'
