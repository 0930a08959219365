"""Reads Parquet files with pyarrow and writes what is in them to argv[1], a line of JSON a file. Integers become text."""

import json
import sys

import pyarrow.parquet as pq


def plain(value):
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, bytes):
        return value.decode()
    return str(value)


def chunk(column):
    statistics = column.statistics
    bounded = statistics is not None and statistics.has_min_max
    return {
        "name": column.path_in_schema,
        "values": plain(column.num_values),
        "nulls": plain(statistics.null_count) if statistics is not None and statistics.has_null_count else None,
        "min": plain(statistics.min) if bounded else None,
        "max": plain(statistics.max) if bounded else None,
        "minExact": getattr(statistics, "is_min_value_exact", None),
        "maxExact": getattr(statistics, "is_max_value_exact", None),
        "encodings": list(column.encodings),
        "compressedSize": plain(column.total_compressed_size),
        "uncompressedSize": plain(column.total_uncompressed_size),
        "hasDictionary": column.has_dictionary_page,
    }


def group(metadata):
    chunks = [chunk(metadata.column(index)) for index in range(metadata.num_columns)]
    return {"rows": plain(metadata.num_rows), "bytes": plain(metadata.total_byte_size), "chunks": chunks}


def read(path):
    file = pq.ParquetFile(path)
    table = file.read()
    metadata = file.metadata
    return {
        "rows": plain(metadata.num_rows),
        "createdBy": metadata.created_by,
        "metadata": {key.decode(): value.decode() for key, value in (metadata.metadata or {}).items() if key != b"ARROW:schema"},
        "types": {field.name: str(field.type) for field in table.schema},
        "columns": {name: [plain(value) for value in table.column(name).to_pylist()] for name in table.column_names},
        "groups": [group(metadata.row_group(index)) for index in range(metadata.num_row_groups)],
    }


with open(sys.argv[1], "w", encoding="utf-8") as output:
    for path in sys.argv[2:]:
        output.write(json.dumps(read(path)) + "\n")
