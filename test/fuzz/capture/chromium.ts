import { launchChromium } from '../../browser/support/chromium.js';

/** Runs in the page, as text: the compiler of the tests would add helpers to a function that the page does not have. */
const OFFERS = `(async () => {
  const offerOf = async (prepare) => {
    const connection = new RTCPeerConnection();
    prepare(connection);
    const { sdp } = await connection.createOffer();
    connection.close();
    return sdp;
  };
  return [
    await offerOf((connection) => {
      connection.createDataChannel('_reliable');
      connection.addTransceiver('audio', { direction: 'sendonly' });
      const sendEncodings = [{ rid: 'q', scaleResolutionDownBy: 4 }, { rid: 'h', scaleResolutionDownBy: 2 }, { rid: 'f' }];
      connection.addTransceiver('video', { direction: 'sendonly', sendEncodings });
    }),
    await offerOf((connection) => {
      connection.createDataChannel('_lossy');
      for (let count = 0; count < 3; count++) {
        connection.addTransceiver('audio', { direction: 'recvonly' });
        connection.addTransceiver('video', { direction: 'recvonly' });
      }
    }),
  ];
})()`;

/** Offers of Chromium for what a meeting has: sound, pictures in three layers, data, and much to receive. */
export async function descriptionsOfChromium(): Promise<[name: string, sdp: string][]> {
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    const offers: string[] = await page.evaluate(OFFERS);
    return offers.map((sdp, index) => [`chromium ${index}`, sdp]);
  } finally {
    await browser.close();
  }
}
