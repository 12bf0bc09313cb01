// All files say in their path which version they belong to: that keeps several tabs on several versions apart.
export default { base: `/_v/${process.env.VITE_VERSION}/` }
