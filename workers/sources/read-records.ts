import type { SourceMapFile } from '../../schemas/source-map.js';
import { readCsv } from './read-csv.js';
import { readJson } from './read-json.js';
import { readNdjson } from './read-lines.js';
import { readXml } from './read-xml.js';
import type { Bytes, SourceRecord } from './record.js';

/** The records of a file in the format that the map's head describes, one at a time; bad ones among them. @throws UnreadableFileError */
export function readRecords(bytes: Bytes, map: SourceMapFile): AsyncGenerator<SourceRecord> {
  switch (map.format) {
    case 'csv': return readCsv(bytes, map);
    case 'ndjson': return readNdjson(bytes, map);
    case 'json': return readJson(bytes, map);
    case 'xml': return readXml(bytes, map);
  }
}
