export const IMAGE = 'localhost/alirtcd:test';
export const EXAMPLE_IMAGE = 'localhost/alirtcd-sidecar-example:test';
