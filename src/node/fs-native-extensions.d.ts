/** The part of fs-native-extensions that is used here. The package has no types. */
declare module 'fs-native-extensions' {
  const native: {
    tryLock(fd: number): boolean;
    swap(from: string, to: string): Promise<void>;
  };
  export default native;
}
