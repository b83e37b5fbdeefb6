/** What GetSdkVersion answers: the SDK line whose interface this is, and ours. */
export const SDK_VERSION = '7.0.0-alirtcd.0.1.0';
