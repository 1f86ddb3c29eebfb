package aksengine

import (
	"crypto/cipher"
	"crypto/des"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"math/big"
	"unicode/utf16"
)

// PKCS #12 (RFC 7292) with the algorithms that every reader knows: SHA-1 and
// triple DES. The nodes' readers know no newer ones.

var (
	oidData          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidEncryptedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 6}
	oidKeyBag        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 2}
	oidCertBag       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 3}
	oidX509          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 22, 1}
	oidLocalKeyID    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 21}
	oidTripleDES     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1, 3}
	oidSHA1          = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
)

const pfxIterations = 2048

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue
}

type safeBag struct {
	ID         asn1.ObjectIdentifier
	Value      asn1.RawValue
	Attributes []bagAttribute `asn1:"set"`
}

type bagAttribute struct {
	ID     asn1.ObjectIdentifier
	Values []asn1.RawValue `asn1:"set"`
}

type pbeParams struct {
	Salt       []byte
	Iterations int
}

// pfxWriter keeps the first error of a chain of encodings.
type pfxWriter struct {
	password []byte
	random   io.Reader
	err      error
}

// encodePFX is a PKCS #12 file with one certificate and its key.
func encodePFX(cert, key []byte, password string, random io.Reader) ([]byte, error) {
	w := &pfxWriter{password: bmp(password), random: random}
	id := sha1.Sum(cert)
	certBag := w.der([]safeBag{{ID: oidCertBag, Value: explicit(w.der(struct {
		ID    asn1.ObjectIdentifier
		Value []byte `asn1:"tag:0,explicit"`
	}{oidX509, cert})), Attributes: w.keyID(id[:])}})
	alg, sealed := w.seal(key)
	keyBag := w.der([]safeBag{{ID: oidKeyBag, Value: explicit(w.der(struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}{alg, sealed})), Attributes: w.keyID(id[:])}})
	alg, sealed = w.seal(certBag)
	encrypted := w.der(struct {
		Version int
		Content struct {
			Type      asn1.ObjectIdentifier
			Algorithm pkix.AlgorithmIdentifier
			Data      []byte `asn1:"tag:0"`
		}
	}{0, struct {
		Type      asn1.ObjectIdentifier
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte `asn1:"tag:0"`
	}{oidData, alg, sealed}})
	safe := w.der([]contentInfo{
		{oidEncryptedData, explicit(encrypted)},
		{oidData, explicit(w.der(keyBag))},
	})
	return w.file(safe), w.err
}

func (w *pfxWriter) file(safe []byte) []byte {
	type digestInfo struct {
		Algorithm pkix.AlgorithmIdentifier
		Digest    []byte
	}
	type macData struct {
		MAC        digestInfo
		Salt       []byte
		Iterations int
	}
	salt := w.salt()
	mac := hmac.New(sha1.New, derive(3, w.password, salt, pfxIterations, sha1.Size))
	mac.Write(safe)
	return w.der(struct {
		Version int
		Safe    contentInfo
		MAC     macData
	}{3, contentInfo{oidData, explicit(w.der(safe))}, macData{
		digestInfo{pkix.AlgorithmIdentifier{Algorithm: oidSHA1, Parameters: asn1.NullRawValue}, mac.Sum(nil)}, salt, pfxIterations,
	}})
}

func (w *pfxWriter) der(v any) []byte {
	b, err := asn1.Marshal(v)
	if err != nil && w.err == nil {
		w.err = err
	}
	return b
}

func (w *pfxWriter) salt() []byte {
	b := make([]byte, 8)
	if _, err := io.ReadFull(w.random, b); err != nil && w.err == nil {
		w.err = err
	}
	return b
}

func (w *pfxWriter) keyID(id []byte) []bagAttribute {
	return []bagAttribute{{oidLocalKeyID, []asn1.RawValue{raw(w.der(id))}}}
}

// seal encrypts with a key and vector that come from the password.
func (w *pfxWriter) seal(plain []byte) (pkix.AlgorithmIdentifier, []byte) {
	salt := w.salt()
	block, err := des.NewTripleDESCipher(derive(1, w.password, salt, pfxIterations, 24))
	if err != nil {
		w.err = err
		return pkix.AlgorithmIdentifier{}, nil
	}
	n := des.BlockSize - len(plain)%des.BlockSize
	out := append([]byte(nil), plain...)
	for range n {
		out = append(out, byte(n))
	}
	cipher.NewCBCEncrypter(block, derive(2, w.password, salt, pfxIterations, des.BlockSize)).CryptBlocks(out, out)
	return pkix.AlgorithmIdentifier{Algorithm: oidTripleDES, Parameters: raw(w.der(pbeParams{salt, pfxIterations}))}, out
}

func raw(der []byte) asn1.RawValue { return asn1.RawValue{FullBytes: der} }

// explicit wraps a value in the tag [0]; struct tags do not reach raw values.
func explicit(der []byte) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: der}
}

// bmp is the password as PKCS #12 wants it: UTF-16, big end first, ended by
// two zero bytes.
func bmp(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u>>8), byte(u))
	}
	return append(b, 0, 0)
}

// derive is the key derivation of RFC 7292, appendix B.2, with SHA-1. ID is 1
// for keys, 2 for vectors, 3 for MAC keys.
func derive(id byte, password, salt []byte, iterations, size int) []byte {
	const v = 64 // SHA-1's block
	d := make([]byte, v)
	for i := range d {
		d[i] = id
	}
	in := append(stretch(salt, v), stretch(password, v)...)
	var out []byte
	for len(out) < size {
		a := sha1.Sum(append(append([]byte(nil), d...), in...))
		for range iterations - 1 {
			a = sha1.Sum(a[:])
		}
		out = append(out, a[:]...)
		b := new(big.Int).SetBytes(stretch(a[:], v)[:v])
		b.Add(b, big.NewInt(1))
		for j := 0; j < len(in); j += v {
			sum := new(big.Int).Add(new(big.Int).SetBytes(in[j:j+v]), b).Bytes()
			if len(sum) > v {
				sum = sum[len(sum)-v:]
			}
			clear(in[j : j+v])
			copy(in[j+v-len(sum):j+v], sum)
		}
	}
	return out[:size]
}

// stretch repeats b to a multiple of v bytes.
func stretch(b []byte, v int) []byte {
	if len(b) == 0 {
		return nil
	}
	out := make([]byte, 0, (len(b)+v-1)/v*v)
	for len(out) < cap(out) {
		out = append(out, b[:min(len(b), cap(out)-len(out))]...)
	}
	return out
}
