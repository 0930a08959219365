/** The Thrift structures of Parquet as @dsnp/parquetjs brings them. */
export { default as parquet } from '@dsnp/parquetjs/dist/gen-nodejs/parquet_types.js'
