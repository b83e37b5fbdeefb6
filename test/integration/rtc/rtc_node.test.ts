import { rtcNodeRows } from './rtc_node_rows.js';
import { OUR_PLACES } from './support.js';

for (const place of OUR_PLACES) rtcNodeRows(place);
