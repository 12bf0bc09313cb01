export default function About() {
  return <p id="about">About {process.env.VERSION}</p>
}
