import { publishInFlightRows } from './publish_in_flight_rows.js';
import { OUR_PLACES } from './support.js';

for (const place of OUR_PLACES) publishInFlightRows(place);
