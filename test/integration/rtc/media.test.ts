import { mediaRows } from './media_rows.js';
import { OUR_PLACES } from './support.js';

for (const place of OUR_PLACES) mediaRows(place);
