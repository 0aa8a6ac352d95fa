/* SPDX-License-Identifier: Apache-2.0 */
/* A measuring aid. mbedTLS 2.28 takes 5 ms for a handshake, of which 95 % is the multiplication of
 * points; the service takes 1 ms. To load one core of the service, five cores would have to be
 * devices. Here the program's own mbedtls_ecp_mul() and its kin come in front of those of the
 * shared library and let OpenSSL multiply. The results are the same numbers (fast_p256_self_test()
 * compares), so the same bytes are on the wire. $FLEET_SLOW_P256 turns it off. */
#include "bench/simulator/fast_p256.h"

#define MBEDTLS_ALLOW_PRIVATE_ACCESS
#include <dlfcn.h>
#include <errno.h>
#include <mbedtls/ecp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "base/clock.h"

#define LEN 32

typedef int rng_fn(void *, unsigned char *, size_t);
typedef int mul_fn(mbedtls_ecp_group *, mbedtls_ecp_point *, const mbedtls_mpi *,
		   const mbedtls_ecp_point *, rng_fn *, void *, mbedtls_ecp_restart_ctx *);
typedef int muladd_fn(mbedtls_ecp_group *, mbedtls_ecp_point *, const mbedtls_mpi *,
		      const mbedtls_ecp_point *, const mbedtls_mpi *, const mbedtls_ecp_point *,
		      mbedtls_ecp_restart_ctx *);

static struct {
	bool is_ready, is_off;
	mul_fn *mul;
	muladd_fn *muladd;
	EC_GROUP *group;
	BN_CTX *ctx;
	BIGNUM *x, *y, *m, *n;
	EC_POINT *p, *r;
	unsigned long n_used;
} fast;

static bool prepare(void)
{
	if (fast.is_ready)
		return !fast.is_off;
	fast.is_ready = true;
	*(void **)&fast.mul = dlsym(RTLD_NEXT, "mbedtls_ecp_mul_restartable");
	*(void **)&fast.muladd = dlsym(RTLD_NEXT, "mbedtls_ecp_muladd_restartable");
	fast.group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	fast.ctx = BN_CTX_new();
	fast.x = BN_new();
	fast.y = BN_new();
	fast.m = BN_new();
	fast.n = BN_new();
	if (!fast.mul || !fast.muladd || !fast.group || !fast.ctx || !fast.x || !fast.y ||
	    !fast.m || !fast.n)
		abort();
	fast.p = EC_POINT_new(fast.group);
	fast.r = EC_POINT_new(fast.group);
	if (!fast.p || !fast.r)
		abort();
	fast.is_off = getenv("FLEET_SLOW_P256") != NULL;
	return !fast.is_off;
}

static bool to_bn(const mbedtls_mpi *from, BIGNUM *ret)
{
	uint8_t buf[LEN];

	return mbedtls_mpi_size(from) <= LEN &&
	       mbedtls_mpi_write_binary(from, buf, sizeof(buf)) == 0 &&
	       BN_bin2bn(buf, sizeof(buf), ret) != NULL;
}

static bool is_generator(const mbedtls_ecp_group *grp, const mbedtls_ecp_point *p)
{
	return p == &grp->G || (mbedtls_mpi_cmp_mpi(&p->X, &grp->G.X) == 0 &&
				mbedtls_mpi_cmp_mpi(&p->Y, &grp->G.Y) == 0);
}

static bool is_ours(const mbedtls_ecp_group *grp, const mbedtls_ecp_point *p)
{
	return grp->id == MBEDTLS_ECP_DP_SECP256R1 && mbedtls_mpi_cmp_int(&p->Z, 1) == 0;
}

static bool take_point(const mbedtls_ecp_point *p)
{
	return to_bn(&p->X, fast.x) && to_bn(&p->Y, fast.y) &&
	       EC_POINT_set_affine_coordinates(fast.group, fast.p, fast.x, fast.y, fast.ctx) == 1;
}

static bool give_point(mbedtls_ecp_point *ret)
{
	uint8_t x[LEN], y[LEN];

	return EC_POINT_get_affine_coordinates(fast.group, fast.r, fast.x, fast.y, fast.ctx) == 1 &&
	       BN_bn2binpad(fast.x, x, LEN) == LEN && BN_bn2binpad(fast.y, y, LEN) == LEN &&
	       mbedtls_mpi_read_binary(&ret->X, x, LEN) == 0 &&
	       mbedtls_mpi_read_binary(&ret->Y, y, LEN) == 0 && mbedtls_mpi_lset(&ret->Z, 1) == 0;
}

/* g times the generator plus n times p; NULL for none. */
static bool multiply(mbedtls_ecp_point *ret, const mbedtls_mpi *g, const mbedtls_ecp_point *p,
		     const mbedtls_mpi *n)
{
	if ((g && !to_bn(g, fast.m)) || (n && (!to_bn(n, fast.n) || !take_point(p))))
		return false;
	if (EC_POINT_mul(fast.group, fast.r, g ? fast.m : NULL, n ? fast.p : NULL,
			 n ? fast.n : NULL, fast.ctx) != 1)
		return false;
	fast.n_used++;
	return give_point(ret);
}

int mbedtls_ecp_mul_restartable(mbedtls_ecp_group *grp, mbedtls_ecp_point *R, const mbedtls_mpi *m,
				const mbedtls_ecp_point *P, rng_fn *f_rng, void *p_rng,
				mbedtls_ecp_restart_ctx *rs_ctx)
{
	if (!prepare() || !is_ours(grp, P) || mbedtls_mpi_cmp_int(m, 1) < 0)
		return fast.mul(grp, R, m, P, f_rng, p_rng, rs_ctx);
	if (is_generator(grp, P) ? multiply(R, m, NULL, NULL) : multiply(R, NULL, P, m))
		return 0;
	return MBEDTLS_ERR_ECP_INVALID_KEY;
}

int mbedtls_ecp_mul(mbedtls_ecp_group *grp, mbedtls_ecp_point *R, const mbedtls_mpi *m,
		    const mbedtls_ecp_point *P, rng_fn *f_rng, void *p_rng)
{
	return mbedtls_ecp_mul_restartable(grp, R, m, P, f_rng, p_rng, NULL);
}

int mbedtls_ecp_muladd_restartable(mbedtls_ecp_group *grp, mbedtls_ecp_point *R,
				   const mbedtls_mpi *m, const mbedtls_ecp_point *P,
				   const mbedtls_mpi *n, const mbedtls_ecp_point *Q,
				   mbedtls_ecp_restart_ctx *rs_ctx)
{
	if (!prepare() || !is_ours(grp, P) || !is_ours(grp, Q) || mbedtls_mpi_cmp_int(m, 0) < 0 ||
	    mbedtls_mpi_cmp_int(n, 0) < 0 || !is_generator(grp, P))
		return fast.muladd(grp, R, m, P, n, Q, rs_ctx);
	return multiply(R, m, Q, n) ? 0 : MBEDTLS_ERR_ECP_INVALID_KEY;
}

int mbedtls_ecp_muladd(mbedtls_ecp_group *grp, mbedtls_ecp_point *R, const mbedtls_mpi *m,
		       const mbedtls_ecp_point *P, const mbedtls_mpi *n, const mbedtls_ecp_point *Q)
{
	return mbedtls_ecp_muladd_restartable(grp, R, m, P, n, Q, NULL);
}

unsigned long fast_p256_used(void)
{
	return fast.n_used;
}

static int draw(void *p, unsigned char *buf, size_t len)
{
	(void)p;
	random_fill(buf, len);
	return 0;
}

/* One random case of each kind; false when the two libraries disagree. */
static bool compare(mbedtls_ecp_group *grp)
{
	mbedtls_mpi m, n;
	mbedtls_ecp_point q, ours, theirs;
	bool same;

	mbedtls_mpi_init(&m);
	mbedtls_mpi_init(&n);
	mbedtls_ecp_point_init(&q);
	mbedtls_ecp_point_init(&ours);
	mbedtls_ecp_point_init(&theirs);
	same = mbedtls_ecp_gen_privkey(grp, &m, draw, NULL) == 0 &&
	       mbedtls_ecp_gen_privkey(grp, &n, draw, NULL) == 0 &&
	       mbedtls_ecp_mul(grp, &q, &m, &grp->G, draw, NULL) == 0 &&
	       fast.mul(grp, &theirs, &m, &grp->G, draw, NULL, NULL) == 0 &&
	       mbedtls_ecp_point_cmp(&q, &theirs) == 0 &&
	       mbedtls_ecp_mul(grp, &ours, &n, &q, draw, NULL) == 0 &&
	       fast.mul(grp, &theirs, &n, &q, draw, NULL, NULL) == 0 &&
	       mbedtls_ecp_point_cmp(&ours, &theirs) == 0 &&
	       mbedtls_ecp_muladd(grp, &ours, &m, &grp->G, &n, &q) == 0 &&
	       fast.muladd(grp, &theirs, &m, &grp->G, &n, &q, NULL) == 0 &&
	       mbedtls_ecp_point_cmp(&ours, &theirs) == 0;
	mbedtls_mpi_free(&m);
	mbedtls_mpi_free(&n);
	mbedtls_ecp_point_free(&q);
	mbedtls_ecp_point_free(&ours);
	mbedtls_ecp_point_free(&theirs);
	return same;
}

int fast_p256_self_test(void)
{
	mbedtls_ecp_group grp;
	bool same;

	if (!prepare())
		return 0;
	mbedtls_ecp_group_init(&grp);
	same = mbedtls_ecp_group_load(&grp, MBEDTLS_ECP_DP_SECP256R1) == 0;
	for (unsigned int i = 0; same && i < 50; i++)
		same = compare(&grp);
	mbedtls_ecp_group_free(&grp);
	return same ? 0 : -EBADMSG;
}
