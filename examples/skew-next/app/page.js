'use client'
import Link from 'next/link'
import { useState } from 'react'

export default function Page() {
  const [text, setText] = useState('')
  async function showMore() {
    const { more } = await import('./more.js')
    const { version } = await (
      await fetch('/api/version', { headers: { 'x-deployment-id': process.env.VERSION } })
    ).json()
    setText(`${more}, api of ${version}`)
  }
  return (
    <>
      <h1>Page of {process.env.VERSION}</h1>
      <button type="button" onClick={showMore}>
        More
      </button>
      <output>{text}</output>
      <Link href="/about" prefetch={false}>
        About
      </Link>
    </>
  )
}
